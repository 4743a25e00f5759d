package grifts

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/models"
)

func listUsers(t tools) error {
	users, err := models.ListUsers(t.db)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USERNAME\tNAME\tROLE\tDISABLED\tID")
	for _, u := range users {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Username, u.Name, u.Role, stamp(u.DisabledAt.Time), u.ID)
	}
	return w.Flush()
}

func seed(t tools) error {
	if t.cfg.Env == config.Production {
		return errors.New("the users of development have no place in production")
	}
	n, err := models.SeedUsers(t.db)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%d users created\n", n)
	return err
}
