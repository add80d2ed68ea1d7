# pv-cycles: as pvh-cycles, with PV guests (/fx/guests/lib.elf).
TYPE=pv
. /fx/jobs/pvh-cycles.sh
