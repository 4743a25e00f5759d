package models

import (
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gobuffalo/validate/v3"
	"github.com/gobuffalo/validate/v3/validators"
	"github.com/gofrs/uuid"
)

// A Note is an entry in the guest book.
type Note struct {
	ID        uuid.UUID `db:"id"`
	Author    string    `db:"author"`
	Text      string    `db:"text"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
}

// Validate is called by Pop before a note is created.
func (n *Note) Validate(*pop.Connection) (*validate.Errors, error) {
	return validate.Validate(&validators.StringIsPresent{Field: n.Text, Name: "Text"}), nil
}
