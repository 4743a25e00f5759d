package install

// addNotes tells the owner what the edits do not cover.
func (p *planner) addNotes() error {
	for _, spot := range p.app.Gothic() {
		p.note("%s sets gothic.Store and was left alone. If it is the app's session store, each sign-in that a user starts there is a row until it expires.", p.app.Place(spot.Expr))
	}
	if len(p.Changes) == 0 {
		return nil
	}
	p.Next = append(p.Next, "Where the app runs, SESSION_SECRET needs at least 32 bytes. If yours is shorter, keep it as OLD_SESSION_SECRET and set a new one: openssl rand -hex 32")
	return nil
}
