package sessionmw

// Ignore is for [sessionstore.Options].Ignore. It reports whether Buffalo puts a value into
// every session: requestor_id, which it logs, and the flash messages if there are none.
// Without Ignore, every visitor would get a row and a cookie. It is safe for concurrent
// use.
func Ignore(key, value any) bool {
	if key == "requestor_id" {
		return true
	}
	flash, ok := value.([]byte)
	return ok && key == "_flash_" && string(flash) == "{}"
}
