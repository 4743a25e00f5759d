package testapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
)

type content = *orderedmap.Map[string, *v3.MediaType]

// withParameters fills in the parameters of paths.
var withParameters = strings.NewReplacer("{id}", "52f6d74e-e869-41f8-ade6-5de58fc3a2d1", "{sid}", "5DFisugbQaTZXZVZEhXI2D9U", "{provider}", "github")

// TestExamples checks that each JSON body in openapi.yaml has an example, and that the
// examples match the schemas.
func TestExamples(t *testing.T) {
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range d.operations {
		if o.Body != nil {
			d.checkRequests(t, o)
		}
		for status, response := range o.responses.FromOldest() {
			d.checkResponses(t, o, status, response)
		}
	}
}

func (d document) checkRequests(t *testing.T, o Operation) {
	t.Helper()
	const contentType = "application/json"
	for _, body := range examples(t, o.String(), o.Body.Content, contentType) {
		r := &http.Request{
			Method: o.Method,
			URL:    &url.URL{Path: withParameters.Replace(o.Path)},
			Header: http.Header{"Content-Type": {contentType}},
			Body:   io.NopCloser(strings.NewReader(body)),
		}
		if _, faults := d.validator.GetRequestBodyValidator().ValidateRequestBody(r); len(faults) > 0 {
			t.Errorf("%s: request: %v", o, joinErrors(faults))
		}
	}
}

func (d document) checkResponses(t *testing.T, o Operation, status string, response *v3.Response) {
	t.Helper()
	code, err := strconv.Atoi(status)
	if err != nil {
		t.Fatal(err)
	}
	path := withParameters.Replace(o.Path)
	for _, contentType := range []string{"application/json", "application/problem+json"} {
		for _, body := range examples(t, o.String()+" "+status, response.Content, contentType) {
			e := exchange(o.Method, path, code, contentType, body)
			if response.Headers != nil && response.Headers.GetOrZero("Retry-After") != nil {
				e.Header.Set("Retry-After", "5")
			}
			if err := d.check(o.Method, path, e); err != nil {
				t.Errorf("%s %s: %v", o, status, err)
			}
		}
	}
}

// examples returns the examples of a body as JSON.
func examples(t *testing.T, of string, bodies content, contentType string) (all []string) {
	t.Helper()
	if bodies == nil || bodies.GetOrZero(contentType) == nil {
		return nil
	}
	body := bodies.GetOrZero(contentType)
	if body.Example != nil {
		all = append(all, toJSON(t, body.Example.Decode))
	}
	if body.Examples != nil {
		for _, example := range body.Examples.FromOldest() {
			all = append(all, toJSON(t, example.Value.Decode))
		}
	}
	if len(all) == 0 {
		t.Errorf("%s: no example", of)
	}
	return all
}

func toJSON(t *testing.T, decode func(any) error) string {
	t.Helper()
	var value any
	if err := decode(&value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
