# hvm-smp: an HVM guest has two virtual CPUs, which come, go and move.
# Needs: guest-disk
TYPE=hvm-disk
. /fx/jobs/smp-guest.sh
