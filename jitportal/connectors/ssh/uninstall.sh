#!/bin/sh
# Takes away what install.sh wrote. Recordings that were not delivered stay in /var/lib/jit-session.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "Run this as root." >&2 && exit 1; }
rm -f /etc/ssh/sshd_config.d/10-jitportal.conf
sshd -t
if [ -d /run/systemd/system ]; then
    systemctl disable --now jit-krl.timer || true
    rm -f /etc/systemd/system/jit-krl.timer /etc/systemd/system/jit-krl.service
    systemctl daemon-reload
    systemctl reload ssh 2>/dev/null || systemctl reload sshd
else
    echo "Have sshd read its settings again, and take jit-krl out of cron."
fi
/usr/local/sbin/jit-sign-in --deliver || echo "Reports of sign-ins are left in /var/lib/jit-session/sign-ins."
/usr/local/sbin/jit-session --deliver || echo "Recordings are left in /var/lib/jit-session."
if grep -q jit-sign-in /etc/pam.d/sshd 2>/dev/null; then
    grep -v jit-sign-in /etc/pam.d/sshd >/etc/pam.d/sshd.new
    chmod 644 /etc/pam.d/sshd.new
    mv -f /etc/pam.d/sshd.new /etc/pam.d/sshd
fi
rm -f /etc/ssh/jit-emergency /usr/local/sbin/jit-sign-in
rm -f /etc/sudoers.d/jit-session /etc/jit-session.conf /etc/ssh/jit-entitlements /etc/ssh/jit-authority.pub
rm -f /etc/ssh/jit-revoked.krl /usr/local/sbin/jit-session /usr/local/sbin/jit-krl /usr/local/lib/jit-principals
rmdir /var/lib/jit-session/sign-ins /var/lib/jit-session 2>/dev/null || true
