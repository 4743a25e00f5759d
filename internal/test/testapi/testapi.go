// Package testapi checks that the app's responses match openapi.yaml: the route, the
// status and the schema, without additional fields.
package testapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"

	"github.com/latchkey/latchkey"
)

// Operation is a method of a path in openapi.yaml.
type Operation struct {
	Method, Path string
	Parameters   []*v3.Parameter // including those of the path
	Body         *v3.RequestBody // nil for none
	responses    *orderedmap.Map[string, *v3.Response]
}

// String returns the method and path, such as "GET /sessions".
func (o Operation) String() string { return o.Method + " " + o.Path }

// document is the parsed openapi.yaml.
type document struct {
	validator  validator.Validator
	operations []Operation
}

// load parses and validates openapi.yaml, once.
var load = sync.OnceValues(func() (document, error) {
	source, err := libopenapi.NewDocument(latchkey.OpenAPI)
	if err != nil {
		return document{}, fmt.Errorf("read openapi.yaml: %w", err)
	}
	model, err := source.BuildV3Model()
	if err != nil {
		return document{}, fmt.Errorf("read openapi.yaml: %w", err)
	}
	v, errs := validator.NewValidator(source, config.WithFormatAssertions(), config.WithStrictMode())
	if len(errs) > 0 {
		return document{}, fmt.Errorf("read openapi.yaml: %w", errors.Join(errs...))
	}
	if ok, errs := v.ValidateDocument(); !ok {
		return document{}, joinErrors(errs)
	}
	return document{v, operationsOf(&model.Model)}, nil
})

func operationsOf(model *v3.Document) (all []Operation) {
	for path, item := range model.Paths.PathItems.FromOldest() {
		for method, o := range item.GetOperations().FromOldest() {
			all = append(all, Operation{
				Method:     strings.ToUpper(method),
				Path:       path,
				Parameters: slices.Concat(item.Parameters, o.Parameters),
				Body:       o.RequestBody,
				responses:  o.Responses.Codes,
			})
		}
	}
	return all
}

// Operations returns all operations in openapi.yaml.
func Operations() ([]Operation, error) {
	d, err := load()
	return d.operations, err
}

// An Exchange is a request and its response.
type Exchange struct {
	Method string // that the app routed the request by
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
}

// Check returns an error if the response does not match openapi.yaml, which does not
// describe pages, files and redirects.
func Check(e Exchange) error {
	d, err := load()
	if err != nil {
		return err
	}
	if e.isForBrowsers() {
		return nil
	}
	if e.Body == "" && e.Header.Get("Content-Type") != "" { // the validator accepts this
		return fmt.Errorf("%s %s: response %d has the type %s, but no body", e.Method, e.path(), e.Status, e.Header.Get("Content-Type"))
	}
	if !d.has(e.Method, e.path()) {
		return d.checkMissing(e)
	}
	return d.check(e.Method, e.path(), e)
}

// path returns the path without a slash at the end, which the app ignores.
func (e Exchange) path() string { return "/" + strings.Trim(e.URL.Path, "/") }

func (e Exchange) isForBrowsers() bool {
	contentType, _, _ := mime.ParseMediaType(e.Header.Get("Content-Type"))
	redirect := e.Status >= 300 && e.Status < 400
	file := strings.HasPrefix(e.URL.Path, "/assets/") && e.Status < 400
	return contentType == "text/html" || redirect || file || e.Method == http.MethodHead
}

// has reports whether openapi.yaml has the operation.
func (d document) has(method, path string) bool {
	return slices.ContainsFunc(d.operations, func(o Operation) bool {
		return o.Method == method && o.matches(path)
	})
}

func (o Operation) matches(path string) bool {
	pattern, parts := strings.Split(o.Path, "/"), strings.Split(path, "/")
	return slices.EqualFunc(pattern, parts, func(pattern, part string) bool {
		return pattern == part || strings.HasPrefix(pattern, "{") && part != ""
	})
}

// missingStatuses are the allowed statuses for paths that are not in openapi.yaml.
var missingStatuses = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable}

// checkMissing checks that the app does not have an operation that is missing in
// openapi.yaml, and that its problem has the usual schema.
func (d document) checkMissing(e Exchange) error {
	if !slices.Contains(missingStatuses, e.Status) {
		return fmt.Errorf("openapi.yaml has no %s %s, but the status is %d: add the operation", e.Method, e.path(), e.Status)
	}
	e.Status = http.StatusNotFound
	return d.check(http.MethodDelete, "/identities/0", e) // an operation with a 404
}

func (d document) check(method, path string, e Exchange) error {
	request := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}}
	response := &http.Response{StatusCode: e.Status, Header: only(e.Header, "Content-Type", "Retry-After"), Body: io.NopCloser(bytes.NewBufferString(e.Body))}
	_, errs := d.validator.GetResponseBodyValidator().ValidateResponseBody(request, response)
	return joinErrors(errs)
}

// only returns some of the headers. Otherwise, the validator would require that all
// responses declare the security headers.
func only(all http.Header, names ...string) http.Header {
	some := http.Header{}
	for _, name := range names {
		if values := all.Values(name); len(values) > 0 {
			some[name] = values
		}
	}
	return some
}
