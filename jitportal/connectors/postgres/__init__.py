"""PostgreSQL: named logins and dynamic logins, ended by the server itself (``install.sql``)."""
