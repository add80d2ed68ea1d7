# pvh-guest: a PVH guest is created, says hello and powers off; nothing is left behind.
TYPE=pvh
. /fx/jobs/pv-guest.sh
