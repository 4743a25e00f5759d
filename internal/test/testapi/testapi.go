// Package testapi holds the app to openapi.yaml: what a test is answered must
// stand there, route, status and shape, and nothing that is answered may have
// more than what stands there.
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

// Operation is a route of the document.
type Operation struct {
	Method, Path string
	Parameters   []*v3.Parameter // the path's too
	Body         *v3.RequestBody // nil for none
	responses    *orderedmap.Map[string, *v3.Response]
}

// String names the operation: GET /sessions.
func (o Operation) String() string { return o.Method + " " + o.Path }

// document is openapi.yaml, read.
type document struct {
	validator  validator.Validator
	operations []Operation
}

// read reads the document, once, and holds it to what OpenAPI says of one.
var read = sync.OnceValues(func() (document, error) {
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
	if ok, faults := v.ValidateDocument(); !ok {
		return document{}, faultsOf(faults)
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

// Operations returns all operations of the document, planned ones too.
func Operations() ([]Operation, error) {
	d, err := read()
	return d.operations, err
}

// An Exchange is a request and what it was answered.
type Exchange struct {
	Method string // that the app took it for
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
}

// Check returns an error unless the document has the answer. Pages, files and
// redirects that browsers get are not of the document.
func Check(e Exchange) error {
	d, err := read()
	if err != nil {
		return err
	}
	if e.isForBrowsers() {
		return nil
	}
	if e.Body == "" && e.Header.Get("Content-Type") != "" { // which the validator takes for valid
		return fmt.Errorf("%s %s: %d says that it is %s, and is empty", e.Method, e.path(), e.Status, e.Header.Get("Content-Type"))
	}
	if !d.has(e.Method, e.path()) {
		return d.checkMissing(e)
	}
	return d.check(e.Method, e.path(), e)
}

// path is the address without the slash at its end, which makes no difference
// to the app.
func (e Exchange) path() string { return "/" + strings.Trim(e.URL.Path, "/") }

func (e Exchange) isForBrowsers() bool {
	contentType, _, _ := mime.ParseMediaType(e.Header.Get("Content-Type"))
	redirect := e.Status >= 300 && e.Status < 400
	file := strings.HasPrefix(e.URL.Path, "/assets/") && e.Status < 400
	return contentType == "text/html" || redirect || file || e.Method == http.MethodHead
}

// has reports whether the document has an operation at the path.
func (d document) has(method, path string) bool {
	return slices.ContainsFunc(d.operations, func(o Operation) bool {
		return o.Method == method && o.matches(path)
	})
}

func (o Operation) matches(path string) bool {
	mine, theirs := strings.Split(o.Path, "/"), strings.Split(path, "/")
	return slices.EqualFunc(mine, theirs, func(mine, their string) bool {
		return mine == their || strings.HasPrefix(mine, "{") && their != ""
	})
}

// missing are the statuses of what is at no address of the document.
var missing = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable}

// checkMissing holds that what is not in the document is not in the app, and
// that its problem has the shape of those that are.
func (d document) checkMissing(e Exchange) error {
	if !slices.Contains(missing, e.Status) {
		return fmt.Errorf("openapi.yaml has no %s %s, and the answer is %d", e.Method, e.path(), e.Status)
	}
	e.Status = http.StatusNotFound
	return d.check(http.MethodDelete, "/identities/0", e) // which may be missing
}

func (d document) check(method, path string, e Exchange) error {
	request := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}}
	response := &http.Response{StatusCode: e.Status, Header: only(e.Header, "Content-Type", "Retry-After"), Body: io.NopCloser(bytes.NewBufferString(e.Body))}
	_, faults := d.validator.GetResponseBodyValidator().ValidateResponseBody(request, response)
	return faultsOf(faults)
}

// only leaves the headers that the validator is to look at: it would have every
// security header declared with every answer.
func only(all http.Header, names ...string) http.Header {
	some := http.Header{}
	for _, name := range names {
		if values := all.Values(name); len(values) > 0 {
			some[name] = values
		}
	}
	return some
}
