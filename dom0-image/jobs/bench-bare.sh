# bench-bare: what bench-dom0 measures and makes sense on the machine itself.
. /fx/jobs/measure.sh
JOB=bench-boot
boot_values
JOB=bench-dom0
fx loops | loops
