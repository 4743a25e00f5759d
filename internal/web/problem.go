package web

import (
	"encoding/json"
	"net/http"
)

// Problem is the JSON of an error (RFC 9457).
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Errors    []FieldError `json:"errors,omitempty"`
	RequestID string       `json:"request_id"`
}

// FieldError says what is wrong with one field of a form or JSON body, or with one
// parameter.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// WriteProblem sends a problem.
func WriteProblem(w http.ResponseWriter, p Problem) error {
	return WriteJSON(w, p.Status, "application/problem+json", p)
}

// WriteJSON sends v as JSON.
func WriteJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}
