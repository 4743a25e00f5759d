package migrations

import "github.com/latchkey/latchkey/internal/schema"

var Up = schema.Up
var Down = schema.Down
var Status = schema.Status
var Pending = schema.Pending
