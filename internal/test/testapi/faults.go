package testapi

import (
	"errors"
	"fmt"

	faults "github.com/pb33f/libopenapi-validator/errors"
)

// faultsOf is one error of all that the validator found, and nil of none.
func faultsOf(found []*faults.ValidationError) error {
	var all []error
	for _, f := range found {
		all = append(all, fmt.Errorf("openapi.yaml: %s: %s", f.Message, f.Reason))
		for _, s := range f.SchemaValidationErrors {
			all = append(all, fmt.Errorf("openapi.yaml: %s: %s", s.FieldPath, s.Reason))
		}
	}
	return errors.Join(all...)
}
