#!/bin/sh
# Makes the secrets of docker-compose.yml in ./secrets, or in the folder that is named; what is there stays as it is.
# The folder is its owner's alone. The files in it can be read by anybody who has got that far: each container has those
# that it is given, and reads them as a user of its own.
set -eu
folder=${1:-secrets}
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"
cd "$folder"

keep() { # NAME TEXT: write the text, unless the file is there
    [ -s "$1" ] || { printf '%s\n' "$2" > "$1.new" && chmod 0644 "$1.new" && mv "$1.new" "$1"; }
}

for name in postgres_password owner_password service_password desk_password \
    partner_token hash_secret operator_token admin_secret_key grafana_password; do
    secret=$(openssl rand -hex 18) # 36 characters: the longest token there is (contract, section 2)
    keep "$name" "$secret"
done
for role in owner service desk; do
    keep "${role}_database_url" "postgresql://wallet_$role:$(cat "${role}_password")@postgres:5432/wallet"
done
