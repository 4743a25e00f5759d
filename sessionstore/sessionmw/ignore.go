package sessionmw

// Ignore is for Options.Ignore. It reports the values that Buffalo puts into every
// session: the ID of the requestor for its log, and the flash messages when there
// are none. Without it every visitor would get a row and a cookie.
func Ignore(key, value any) bool {
	if key == "requestor_id" {
		return true
	}
	flash, ok := value.([]byte)
	return ok && key == "_flash_" && string(flash) == "{}"
}
