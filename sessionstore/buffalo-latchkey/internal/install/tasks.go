package install

import (
	"fmt"
	"path"
)

// addTasks registers the tasks sessions:list and so on.
func (p *planner) addTasks() error {
	if len(p.app.Registers()) > 0 {
		return nil
	}
	if p.app.PackageName(p.dir) == "main" {
		p.note("The tasks for sessions were left out: they need %s in a package that others can import, and it is in package main.", p.store)
		return nil
	}
	dir := p.app.Grifts()
	name := p.app.PackageName(dir)
	if name == "" {
		name = "grifts"
	}
	actions := p.app.ImportPath(p.dir)
	spec := fmt.Sprintf("%q", actions)
	pkg := p.app.PackageName(p.dir)
	if pkg != path.Base(actions) {
		spec = pkg + " " + spec
	}
	p.create(p.freeFile(dir, "sessions.go", "session_tasks.go"), fmt.Sprintf(`package %s

import (
	%s

	%q
)

func init() {
	sessiontask.Register(%s.%s)
}
`, name, spec, taskPackage, pkg, p.store))
	return nil
}
