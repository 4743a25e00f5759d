package config

import (
	"bytes"
	"errors"
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

// DatabaseError returns the error of a database that cannot be used, as an error about
// the setting that names the database.
func (c Config) DatabaseError(err error) error {
	return SettingError(databaseSetting(c.Env), "cannot use the database: "+err.Error(), databaseExample)
}

func databaseSetting(env string) string {
	if env == Test {
		return "TEST_DATABASE_URL"
	}
	return "DATABASE_URL"
}

// database reads database.yml, which takes DATABASE_URL from the environment, and adds
// what the dialect needs.
func (r *reader) database(env string) *pop.ConnectionDetails {
	setting := databaseSetting(env)
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

// DatabaseAt returns the details for a value of DATABASE_URL, with the options that
// production has. It returns an error if the URL is invalid.
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

// refuseShared refuses the development database for tests, because tests empty all
// tables.
func (r *reader) refuseShared(test, development *pop.ConnectionDetails) {
	if complete(development) == nil && location(test) == location(development) {
		r.fail("TEST_DATABASE_URL", "must not be the same database as DATABASE_URL, because tests delete all data", "TEST_DATABASE_URL=sqlite3://tmp/latchkey_test.sqlite")
	}
}

// location identifies a database: its host and name, without user, password and options.
func location(details *pop.ConnectionDetails) string {
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

// complete adds what the driver needs and Pop does not set. Errors do not contain the
// URL, because it may contain a password.
func complete(details *pop.ConnectionDetails) error {
	scheme, rest, ok := strings.Cut(details.URL, "://")
	if !ok {
		return errors.New("not a URL")
	}
	switch dialect := pop.CanonicalDialect(scheme); dialect {
	case "sqlite3":
		return completeSQLite(details, rest)
	case "mysql", "mariadb":
		return completeMySQL(details, rest)
	case "postgres", "cockroach":
		if _, err := url.Parse(details.URL); err != nil {
			return errors.New("invalid URL")
		}
		details.Dialect = dialect
		return nil
	}
	return fmt.Errorf("unsupported database %q", scheme)
}

// completeSQLite splits the URL, so that its options override those of database.yml
// one by one.
func completeSQLite(details *pop.ConnectionDetails, rest string) error {
	path, query, _ := strings.Cut(rest, "?")
	options, err := url.ParseQuery(query)
	if err != nil || path == "" {
		return errors.New("the URL needs the path of a file")
	}
	for name := range options {
		details.Options[name] = options.Get(name)
	}
	details.Dialect, details.Database, details.URL = "sqlite3", path, ""
	return nil
}

// completeMySQL accepts a URL and the driver's own format. It sets the options that the
// app needs: times as time.Time in UTC, and several statements in one query for
// migrations.
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

var errMySQLURL = errors.New("a MySQL URL needs a host and the name of a database")

func mysqlFromURL(text string) (*mysql.Config, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, errMySQLURL
	}
	host := u.Host
	if u.Port() == "" {
		host += ":3306"
	}
	dsn := fmt.Sprintf("tcp(%s)/%s?%s", host, strings.Trim(u.Path, "/"), u.RawQuery)
	cfg, err := mysql.ParseDSN(strings.TrimSuffix(dsn, "?"))
	if err != nil {
		return nil, errMySQLURL
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	return cfg, nil
}
