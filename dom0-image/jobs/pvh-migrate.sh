# pvh-migrate: a PVH guest is migrated while it runs.
TYPE=pvh
. /fx/jobs/migrate.sh
