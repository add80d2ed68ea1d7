# bench-pv: a PV guest's life, and processes in it.
. /fx/jobs/measure.sh
start_xen || exit 1
one_guest
