#!/bin/sh
# /usr/local/bin/secondread: a flask command with the settings of the service, as in
#   sudo -u secondread secondread audit verify
set -eu
set -a
. /etc/secondread/secondread.env
set +a
cd /opt/secondread
exec .venv/bin/flask --app wsgi "$@"
