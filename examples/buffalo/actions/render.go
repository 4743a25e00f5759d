package actions

import (
	"io/fs"

	"github.com/gobuffalo/buffalo/render"

	buffaloexample "github.com/latchkey/latchkey/examples/buffalo"
)

var r = render.New(render.Options{TemplatesFS: templates()})

func templates() fs.FS {
	sub, err := fs.Sub(buffaloexample.Templates, "templates")
	if err != nil {
		panic(err)
	}
	return sub
}
