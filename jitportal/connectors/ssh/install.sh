#!/bin/sh
# Prepares a host for the portal's certificates. Read it, then run it as root:
#
#   sh install.sh --portal https://portal.example --target KEY --entitlements "web-ops db-ops" <token-file
#
# --portal         the portal's address
# --target         the target's key in the policy
# --entitlements   what this host serves: the entitlements of roles in the policy
# --emergency      the emergency accounts whose every sign-in is told to the portal (may be left out)
# standard input   this host's token, from manage.py ssh_host add; nothing (</dev/null): the one that it has
#
# It writes the files below, asks sshd whether it takes them, and changes nothing where it doesn't. Run it
# again after an update of the portal: what you set in /etc/jit-session.conf stays. uninstall.sh takes everything away.
set -eu
umask 077
portal= target= entitlements= authority= emergency=
while [ $# -gt 1 ]; do
    case "$1" in
    --portal) portal=${2%/} ;;
    --target) target=$2 ;;
    --entitlements) entitlements=$2 ;;
    --emergency) emergency=$2 ;;
    --authority) authority=$2 ;; # the public key itself; without it, it is fetched from the portal
    *) echo "unknown option $1" >&2 && exit 2 ;;
    esac
    shift 2
done
[ -n "$portal" ] && [ -n "$target" ] && [ -n "$entitlements" ] || {
    sed -n '4,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
# Over plain http anybody on the way could take the token, or give this host an authority of their own.
case "$portal" in
https://?*) safe=yes ;;
http://127.0.0.1:*[!0-9]*) safe= ;;
http://127.0.0.1:*) safe=yes ;;
*) safe= ;;
esac
[ -n "$safe" ] || {
    echo "--portal must begin with https:// (this host's token goes there)." >&2
    exit 2
}
[ "$(id -u)" -eq 0 ] || { echo "Run this as root." >&2 && exit 1; }
for program in sshd ssh-keygen sudo curl python3 unshare setpriv; do
    command -v "$program" >/dev/null || { echo "$program is missing: install it first." >&2 && exit 1; }
done
set_before() { [ ! -f /etc/jit-session.conf ] || sed -n "s/^$1 *= *//p" /etc/jit-session.conf | head -n 1; }
read -r token || token=${token:-$(set_before token)}
[ -n "$token" ] || { echo "Give this host's token on standard input." >&2 && exit 2; }
without_delivery=$(set_before without_delivery)
largest=$(set_before largest)

put() { # put MODE PATH: standard input, in place at once
    cat >"$2.new.$$"
    chmod "$1" "$2.new.$$"
    mv -f "$2.new.$$" "$2"
}

install -d -m 755 /usr/local/sbin /usr/local/lib /etc/ssh/sshd_config.d
install -d -m 700 /var/lib/jit-session /var/lib/jit-session/sign-ins

put 755 /usr/local/sbin/jit-session <<'JIT_SESSION'
#include host/jit-session
JIT_SESSION

put 755 /usr/local/lib/jit-principals <<'JIT_PRINCIPALS'
#include host/jit-principals
JIT_PRINCIPALS

put 755 /usr/local/sbin/jit-krl <<'JIT_KRL'
#include host/jit-krl
JIT_KRL

put 755 /usr/local/sbin/jit-sign-in <<'JIT_SIGN_IN'
#include host/jit-sign-in
JIT_SIGN_IN

put 600 /etc/jit-session.conf <<CONFIG
# Read by jit-session and jit-krl. The token is this host's own: keep this file root's alone.
portal = $portal
target = $target
token = $token
# continue: a session goes on while its recording can't be delivered; end: it doesn't
without_delivery = ${without_delivery:-continue}
# bytes; a session whose recording is full ends
largest = ${largest:-536870912}
CONFIG

# Each with the target before it: a certificate for another target works nowhere here, whoever signed it.
for entitlement in $entitlements; do printf '%s/%s\n' "$target" "$entitlement"; done | put 644 /etc/ssh/jit-entitlements
if [ -n "$emergency" ]; then
    printf '%s\n' $emergency | put 644 /etc/ssh/jit-emergency
    if [ -f /etc/pam.d/sshd ] && ! grep -q jit-sign-in /etc/pam.d/sshd; then
        { cat /etc/pam.d/sshd && echo "session optional pam_exec.so quiet /usr/local/sbin/jit-sign-in"; } | put 644 /etc/pam.d/sshd
    fi
fi
if [ -n "$authority" ]; then
    printf '%s\n' "$authority" | put 644 /etc/ssh/jit-authority.pub
else
    curl -fsS --max-time 20 "$portal/ssh/$target/authority.pub" | put 644 /etc/ssh/jit-authority.pub
fi
ssh-keygen -l -f /etc/ssh/jit-authority.pub

# sudo: this one program, without arguments, with what sshd says of the login, and never with the user's PATH.
put 440 /etc/sudoers.d/jit-session <<'SUDOERS'
Defaults!/usr/local/sbin/jit-session env_keep += "SSH_USER_AUTH SSH_ORIGINAL_COMMAND", !requiretty, !use_pty, !lecture
Defaults!/usr/local/sbin/jit-session secure_path="/usr/sbin:/usr/bin:/sbin:/bin"
ALL ALL=(root) NOPASSWD: /usr/local/sbin/jit-session ""
SUDOERS
visudo -cqf /etc/sudoers.d/jit-session || { rm -f /etc/sudoers.d/jit-session && exit 1; }

# An empty list first: without the file, nobody gets in by certificate.
[ -s /etc/ssh/jit-revoked.krl ] || { ssh-keygen -q -k -f /etc/ssh/jit-revoked.krl </dev/null && chmod 644 /etc/ssh/jit-revoked.krl; }

# SHLVL: a bash that sshd starts for a command reads ~/.bashrc, unless it is a shell within another. The forced
# command would then come after whatever an earlier session has left there, unrecorded and with no end.
sshd_config=/etc/ssh/sshd_config.d/10-jitportal.conf
put 644 "$sshd_config" <<'SSHD'
TrustedUserCAKeys /etc/ssh/jit-authority.pub
AuthorizedPrincipalsCommand /usr/local/lib/jit-principals %u
AuthorizedPrincipalsCommandUser nobody
RevokedKeys /etc/ssh/jit-revoked.krl
ExposeAuthInfo yes
LogLevel VERBOSE
SetEnv SHLVL=5
SSHD
if ! sshd -t; then
    rm -f "$sshd_config"
    echo "sshd doesn't take $sshd_config, so it was removed again." >&2
    exit 1
fi

if [ -d /run/systemd/system ]; then
    put 644 /etc/systemd/system/jit-krl.service <<'UNIT'
[Unit]
Description=Fetch the portal's revocation list, and deliver recordings left behind
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/jit-krl
UNIT
    put 644 /etc/systemd/system/jit-krl.timer <<'UNIT'
[Unit]
Description=Every minute
[Timer]
OnBootSec=10
OnUnitActiveSec=60
AccuracySec=5
[Install]
WantedBy=timers.target
UNIT
    systemctl daemon-reload
    systemctl enable --now jit-krl.timer
    systemctl reload ssh 2>/dev/null || systemctl reload sshd
else
    echo "No systemd here: run /usr/local/sbin/jit-krl every minute by cron, and have sshd read its settings again."
fi
/usr/local/sbin/jit-krl || echo "The portal could not be reached yet: look at the address and the token."
