# pvh-lifecycle: a PVH guest is paused, resized, saved, restored, rebooted, destroyed.
TYPE=pvh
. /fx/jobs/lifecycle.sh
