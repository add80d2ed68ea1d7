# pvh-disk-net: a PVH guest uses a disk and a network card.
TYPE=pvh
. /fx/jobs/disk-net.sh
