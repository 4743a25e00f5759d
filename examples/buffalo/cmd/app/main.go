// Command app serves the guest book.
package main

import (
	"io/fs"
	"log"

	buffaloexample "github.com/latchkey/latchkey/examples/buffalo"
	"github.com/latchkey/latchkey/examples/buffalo/actions"
	"github.com/latchkey/latchkey/examples/buffalo/models"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

func main() {
	migrations, err := fs.Sub(buffaloexample.Migrations, "migrations")
	if err != nil {
		log.Fatal(err)
	}
	if err := models.Migrate(migrations); err != nil {
		log.Fatal(err)
	}
	app := actions.App()
	if err := sessionmw.Serve(app); err != nil {
		log.Fatal(err)
	}
}
