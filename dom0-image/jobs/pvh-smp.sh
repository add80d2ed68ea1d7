# pvh-smp: a PVH guest has two virtual CPUs, which come, go and move.
TYPE=pvh
. /fx/jobs/smp-guest.sh
