// Command app serves the guest book.
package main

import (
	"io/fs"
	"log"

	buffaloexample "github.com/latchkey/latchkey/examples/buffalo"
	"github.com/latchkey/latchkey/examples/buffalo/actions"
	"github.com/latchkey/latchkey/examples/buffalo/models"
)

func main() {
	migrations, err := fs.Sub(buffaloexample.Migrations, "migrations")
	if err != nil {
		log.Fatal(err)
	}
	if err := models.Migrate(migrations); err != nil {
		log.Fatal(err)
	}
	app, err := actions.App()
	if err != nil {
		log.Fatal(err)
	}
	if err := app.Serve(); err != nil {
		log.Fatal(err)
	}
}
