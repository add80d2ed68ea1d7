# hvm-lifecycle: an HVM guest that started from its own disk is paused, resized, saved, restored, rebooted, destroyed. Its console is
# the PV one, because the device model's file begins anew with each device model.
# Needs: guest-disk
TYPE=hvm-disk ARGS='console=hvc0' SERIAL=null
. /fx/jobs/lifecycle.sh
