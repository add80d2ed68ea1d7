# hvm-migrate: an HVM guest is migrated while it runs, with its device model.
# Needs: guest-disk
TYPE=hvm-disk ARGS='console=hvc0' SERIAL=null
. /fx/jobs/migrate.sh
