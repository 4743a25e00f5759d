// Package contextkey has the keys under which contexts hold the transaction of a request.
package contextkey

// Transaction is the key in the context of a request.
type Transaction struct{}

// Buffalo is the key in a buffalo.Context. That context was made before the transaction
// started, so it does not have what the context of its request has.
const Buffalo = "sessionstore.transaction"
