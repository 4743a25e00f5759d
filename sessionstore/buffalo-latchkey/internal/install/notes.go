package install

import "fmt"

// addNotes tells the owner what the edits do not cover.
func (p *planner) addNotes() error {
	for _, spot := range p.app.Gothic() {
		p.note("%s sets gothic.Store and was left alone. If it is the app's session store, each sign-in that a user starts there is a row until it expires.", p.app.Place(spot.Expr))
	}
	if p.app.StoreFunc(p.dir) == "" {
		p.Next = append(p.Next, fmt.Sprintf("Where the app runs in production, %s needs at least %d bytes. If yours is shorter, keep it as %s and set a new one: openssl rand -hex 32", secretName, minSecret, oldSecretName))
	}
	return nil
}
