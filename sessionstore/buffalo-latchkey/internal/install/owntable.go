package install

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
)

// In SQL a name may be quoted and have a schema in front.
const sqlTable = `(["` + "`" + `]?\w+["` + "`" + `]?\.)?["` + "`" + `]?sessions\b`

var (
	createsTable = regexp.MustCompile(`(?i)create_table\(\s*["` + "`" + `]sessions["` + "`" + `]` +
		`|rename_table\([^)]*,\s*["` + "`" + `]sessions["` + "`" + `]` +
		`|create\s+table\s+(if\s+not\s+exists\s+)?` + sqlTable +
		`|rename\s+to\s+["` + "`" + `]?sessions\b`)
	removesTable = regexp.MustCompile(`(?i)(drop|rename)_table\(\s*["` + "`" + `]sessions["` + "`" + `]` +
		`|drop\s+table\s+(if\s+exists\s+)?` + sqlTable +
		`|alter\s+table\s+(if\s+exists\s+)?` + sqlTable + `["` + "`" + `]?\s+rename\s+to`)
)

// ownTable returns the migration that gives the app a table sessions of its own, or
// nil if there is none or a later one renames or drops it.
func ownTable(have []buffaloapp.Migration) *buffaloapp.Migration {
	var own *buffaloapp.Migration
	for i, m := range have {
		if removesTable.MatchString(m.Text) {
			own = nil
		}
		if createsTable.MatchString(m.Text) && !strings.HasPrefix(m.Text, marker) && !isCopy(m.Text) {
			own = &have[i]
		}
	}
	return own
}

// isCopy reports whether a migration was copied from the store by hand.
func isCopy(text string) bool {
	return createsTable.MatchString(text) && strings.Contains(text, "secret_hash") && strings.Contains(text, "last_seen_at")
}

// refuseOwnTable stops if the app has a table sessions for something else.
func refuseOwnTable(have []buffaloapp.Migration) error {
	if own := ownTable(have); own != nil {
		return fmt.Errorf("%s creates a table named sessions: the store needs that name, so rename your table first (a migration with rename_table, and its model), then run the command again", own.Path)
	}
	return nil
}

// noteModel warns of a model that Pop keeps in the table sessions, if no migration
// says what became of that table.
func (p *planner) noteModel(have []buffaloapp.Migration) {
	for _, m := range have {
		if removesTable.MatchString(m.Text) {
			return
		}
	}
	if place := p.app.Model("Session"); place != "" {
		p.note("%s declares a model named Session, which Pop keeps in the table sessions. The store needs that name: if your table exists, rename it before you migrate.", place)
	}
}
