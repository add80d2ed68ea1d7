# bridge: two PV guests on one bridge; one pings the other and sends it data.
. /fx/jobs/lib.sh
start_xen || exit 1
bridge_up
guest_config server 'fx.mode=serve fx.ip=10.8.0.3' "vif=['bridge=xenbr0,mac=00:16:3e:00:00:03']"
guest_config client 'fx.mode=net fx.ip=10.8.0.4 fx.peer=10.8.0.3 fx.net_mib=4' "vif=['bridge=xenbr0,mac=00:16:3e:00:00:04']"
check create_server 120 xl create /tmp/server.cfg || exit 1
guest_says server serving 120 'GUEST serving'
check create_client 120 xl create /tmp/client.cfg || exit 1
guest_says client end 240 'GUEST end'
guest_says server received 30 'GUEST received'
show_guest client
show_guest server
lines client 'GUEST ping' | grep -q ' 0% packet loss'
verdict $? ping "$(lines client 'GUEST ping' | grep -o '20 packets.*')"
sum=$(lines client 'GUEST sent' | grep -o 'sum=[0-9a-f]*')
[ -n "$sum" ] && lines server "GUEST received $sum" >/dev/null
verdict $? tcp "$(lines client 'GUEST sent' | cut -d' ' -f3-)"
check destroy_server 60 xl destroy server
until_true 60 gone client
verdict $? gone
