package testapi

import (
	"errors"
	"fmt"

	faults "github.com/pb33f/libopenapi-validator/errors"
)

// joinErrors returns all errors of the validator as one, or nil.
func joinErrors(found []*faults.ValidationError) error {
	var all []error
	for _, f := range found {
		all = append(all, fmt.Errorf("openapi.yaml: %s: %s", f.Message, f.Reason))
		for _, s := range f.SchemaValidationErrors {
			all = append(all, fmt.Errorf("openapi.yaml: %s: %s", s.FieldPath, s.Reason))
		}
	}
	return errors.Join(all...)
}
