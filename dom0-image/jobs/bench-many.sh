# bench-many: creating a small PVH guest while none, and while 40 others run.
. /fx/jobs/measure.sh
. /fx/jobs/tiny.sh
start_xen || exit 1
JOB=bench-many
tiny_kernel
for n in $(seq 0 41); do tiny_config tiny$n; done
# What the first one makes Dom0 keep for the others counts for none.
xl create -q /tmp/tiny0.cfg && xl destroy tiny0
free=$(free_kib)
timed create_the_first xl create -q /tmp/tiny0.cfg
value memory_above_size $((free - $(free_kib) - 65536)) KiB
for n in $(seq 40); do xl create -q /tmp/tiny$n.cfg || break; done
verdict $? forty
timed create_beside_41 xl create -q /tmp/tiny41.cfg
timed xl_list xl list
timed destroy_beside_41 xl destroy tiny41
for n in $(seq 0 40); do xl destroy tiny$n; done
