# pv-many: as pvh-many, with PV guests (/fx/guests/lib.elf).
TYPE=pv
. /fx/jobs/pvh-many.sh
