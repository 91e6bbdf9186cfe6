#!/bin/sh
# Make the secrets of deploy/compose.yaml, those that are not there yet. Run it as root.
#
# Only root can enter the folder, so the files in it may be readable: containers get them one by one,
# and the accounts in the images differ. The master key is for the service's account alone. Keep a copy
# of it apart from the database: without it nothing that people said can be read.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"

make() { # NAME MODE, the content on standard input
    if [ ! -e "$folder/$1" ]; then
        cat >"$folder/$1.new"
        chmod "$2" "$folder/$1.new"
        mv "$folder/$1.new" "$folder/$1"
        echo "made $folder/$1"
    fi
}

random() { # BYTES in hexadecimal: goes into an address as it is
    od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

random 24 | make alfavoice_password 444
printf 'postgresql://alfavoice:%s@postgres/alfavoice?sslmode=disable\n' "$(cat "$folder/alfavoice_password")" |
    make alfavoice_database_url 444
random 24 | make postgres_password 444
random 24 | make grafana_password 444
random 24 | make alfavoice_nats_password 444
printf 'NATS_PASSWORD: "%s"\n' "$(cat "$folder/alfavoice_nats_password")" | make nats_password.conf 444
head -c 32 /dev/urandom | base64 | make master.key 400
if [ "$(id -u)" -eq 0 ]; then
    chown 10001:10001 "$folder/master.key"
else
    echo "not root: chown 10001:10001 $folder/master.key, or the service cannot read it" >&2
fi
