package testdb

import _ "github.com/go-sql-driver/mysql" // the driver "mysql"

var mariadb = kind{
	title:   "MariaDB",
	debian:  "mariadb-server",
	account: "mysql",

	setup: `mariadb-install-db --no-defaults --datadir={data} --innodb-log-file-size=16M
		--auth-root-authentication-method=normal --skip-test-db`,
	// Debian's my.cnf sets this character set. The default is latin1.
	server: `mariadbd --no-defaults --datadir={data} --bind-address=127.0.0.1 --port={port}
		--socket={dir}/socket --pid-file={dir}/pid --max-connections=200
		--innodb-buffer-pool-size=32M --innodb-log-file-size=16M
		--character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci`,
	fast: `--innodb-flush-log-at-trx-commit=2`,

	driver: "mysql",
	dsn:    "root@tcp(127.0.0.1:%d)/%s",
	url:    "mysql://root@127.0.0.1:%d/%s",
	admin:  "mysql",
	folder: "SELECT @@datadir",
	// DROP waits for open transactions, so their connections are killed first.
	// Error 1094 means that a connection has closed in the meantime.
	drop: `BEGIN NOT ATOMIC
		DECLARE CONTINUE HANDLER FOR 1094 BEGIN END;
		FOR c IN (SELECT id FROM information_schema.processlist WHERE db = '%[1]s') DO
			KILL CONNECTION c.id;
		END FOR;
		DROP DATABASE %[1]s;
	END`,
}
