"""SSH hosts as a target: certificates that end by themselves. See ``docs/targets-ssh.md``."""
