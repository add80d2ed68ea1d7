# bench-pvh: a PVH guest's life, and processes in it.
. /fx/jobs/measure.sh
start_xen || exit 1
TYPE=pvh
one_guest
