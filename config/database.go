package config

import (
	"bytes"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey"
)

const databaseExample = "postgres://user:password@host/name, mysql://user:password@host:3306/name or sqlite3:///path/app.sqlite"

// database reads database.yml, which takes DATABASE_URL from the environment,
// and makes it complete for its dialect.
func (r *reader) database(env string) *pop.ConnectionDetails {
	setting := "DATABASE_URL"
	if env == Test {
		setting = "TEST_DATABASE_URL"
	}
	all, err := pop.ParseConfig(bytes.NewReader(latchkey.DatabaseYML))
	if err != nil {
		r.fail("database.yml", err.Error(), "the file in the repository")
		return nil
	}
	details := all[env]
	if details == nil || details.URL == "" {
		r.fail(setting, "missing", databaseExample)
		return nil
	}
	if err := complete(details); err != nil {
		r.fail(setting, err.Error(), databaseExample)
		return nil
	}
	if env == Test {
		r.refuseShared(details, all[Development])
	}
	return details
}

// DatabaseAt returns the details of the database at a DATABASE_URL, with the
// options that production has. It fails on a URL that makes no sense.
func DatabaseAt(databaseURL string) (*pop.ConnectionDetails, error) {
	all, err := pop.ParseConfig(bytes.NewReader(latchkey.DatabaseYML))
	if err != nil {
		return nil, fmt.Errorf("read database.yml: %w", err)
	}
	details := all[Production]
	details.URL = databaseURL
	if err := complete(details); err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return details, nil
}

// refuseShared keeps tests, which empty every table, away from the database
// that somebody develops on. One that cannot be read is not that one.
func (r *reader) refuseShared(test, development *pop.ConnectionDetails) {
	if complete(development) == nil && place(test) == place(development) {
		r.fail("TEST_DATABASE_URL", "the database of DATABASE_URL, and tests empty it", "a database of their own")
	}
}

// place says where a database is, whoever connects to it and how.
func place(details *pop.ConnectionDetails) string {
	switch details.Dialect {
	case "sqlite3":
		if path, err := filepath.Abs(details.Database); err == nil {
			return path
		}
		return details.Database
	case "mysql":
		if cfg, err := mysql.ParseDSN(strings.TrimPrefix(details.URL, "mysql://")); err == nil {
			return "mysql " + cfg.Addr + "/" + cfg.DBName
		}
	}
	if u, err := url.Parse(details.URL); err == nil {
		return details.Dialect + " " + u.Host + u.Path
	}
	return details.URL
}

// complete gives a database's details what its driver needs and Pop does not
// add. Errors do not repeat the URL, which may hold a password.
func complete(details *pop.ConnectionDetails) error {
	scheme, rest, ok := strings.Cut(details.URL, "://")
	if !ok {
		return fmt.Errorf("no URL")
	}
	switch dialect := pop.CanonicalDialect(scheme); dialect {
	case "sqlite3":
		return completeSQLite(details, rest)
	case "mysql", "mariadb":
		return completeMySQL(details, rest)
	case "postgres", "cockroach":
		if _, err := url.Parse(details.URL); err != nil {
			return fmt.Errorf("no URL that can be read")
		}
		details.Dialect = dialect
		return nil
	}
	return fmt.Errorf("%q is no database that Latchkey knows", scheme)
}

// completeSQLite takes the URL apart, so that the options of database.yml are
// joined with those of the URL, which win.
func completeSQLite(details *pop.ConnectionDetails, rest string) error {
	path, query, _ := strings.Cut(rest, "?")
	options, err := url.ParseQuery(query)
	if err != nil || path == "" {
		return fmt.Errorf("no path of a file")
	}
	for name := range options {
		details.Options[name] = options.Get(name)
	}
	details.Dialect, details.Database, details.URL = "sqlite3", path, ""
	return nil
}

// completeMySQL accepts the URL that everybody writes and the driver's own
// form, and sets what the app relies on: times as times, in UTC, and migrations
// of several statements.
func completeMySQL(details *pop.ConnectionDetails, rest string) error {
	cfg, err := mysql.ParseDSN(rest)
	if err != nil {
		if cfg, err = mysqlFromURL(details.URL); err != nil {
			return err
		}
	}
	cfg.ParseTime, cfg.MultiStatements, cfg.InterpolateParams = true, true, true
	cfg.Loc = time.UTC
	if cfg.Collation == "" {
		cfg.Collation = "utf8mb4_general_ci"
	}
	details.Dialect, details.URL = "mysql", "mysql://"+cfg.FormatDSN()
	return nil
}

func mysqlFromURL(text string) (*mysql.Config, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, fmt.Errorf("no URL of a MySQL database")
	}
	host := u.Host
	if u.Port() == "" {
		host += ":3306"
	}
	dsn := fmt.Sprintf("tcp(%s)/%s?%s", host, strings.Trim(u.Path, "/"), u.RawQuery)
	cfg, err := mysql.ParseDSN(strings.TrimSuffix(dsn, "?"))
	if err != nil {
		return nil, fmt.Errorf("no URL of a MySQL database")
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	return cfg, nil
}
