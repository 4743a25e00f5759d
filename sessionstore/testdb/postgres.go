package testdb

const postgresURL = "postgres://postgres@127.0.0.1:%d/%s?sslmode=disable"

var postgres = kind{
	title:   "PostgreSQL",
	debian:  "postgresql-15",
	account: "postgres",

	setup: `initdb -D {data} -U postgres -A trust --encoding=UTF8 --no-locale --no-sync`,
	// Shared memory is kept in the data folder, so that a killed server leaves
	// nothing in /dev/shm.
	server: `postgres -D {data} -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=
		-c max_connections=200 -c dynamic_shared_memory_type=mmap`,
	fast: `-c fsync=off -c synchronous_commit=off -c full_page_writes=off`,

	driver: "pgx",
	dsn:    postgresURL,
	url:    postgresURL,
	admin:  "postgres",
	folder: "SELECT current_setting('data_directory')",
	drop:   "DROP DATABASE %s WITH (FORCE)",
}
