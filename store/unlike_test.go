package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// alike checks that two values are the same, all that they lead to included, and
// says where they are not. Times are compared by when they are.
func alike(t *testing.T, what string, got, want any) {
	t.Helper()
	if at := unlike(what, reflect.ValueOf(got), reflect.ValueOf(want), map[[2]uintptr]bool{}); at != "" {
		t.Error(at)
	}
}

// unlike finds where two values differ, "" where they don't. Pointers that were
// followed once aren't followed again: orders and their parts lead to each other.
func unlike(at string, got, want reflect.Value, seen map[[2]uintptr]bool) string {
	if got.IsValid() != want.IsValid() {
		return fmt.Sprintf("%s: got %v, not %v", at, got, want)
	}
	if !got.IsValid() {
		return ""
	}
	switch got.Kind() {
	case reflect.Pointer:
		if got.IsNil() || want.IsNil() {
			if got.IsNil() != want.IsNil() {
				return fmt.Sprintf("%s: got %v, not %v", at, got, want)
			}
			return ""
		}
		pair := [2]uintptr{got.Pointer(), want.Pointer()}
		if seen[pair] {
			return ""
		}
		seen[pair] = true
		return unlike(at, got.Elem(), want.Elem(), seen)
	case reflect.Slice:
		// A relation that is nil hasn't been read.
		if got.Len() != want.Len() || got.IsNil() != want.IsNil() && got.Type().Elem().Kind() == reflect.Pointer {
			return fmt.Sprintf("%s: got %v, not %v", at, got, want)
		}
		for i := range got.Len() {
			if found := unlike(fmt.Sprintf("%s[%d]", at, i), got.Index(i), want.Index(i), seen); found != "" {
				return found
			}
		}
	case reflect.Struct:
		if v, ok := got.Interface().(time.Time); ok {
			if w := want.Interface().(time.Time); !v.Equal(w) {
				return fmt.Sprintf("%s: got %v, not %v", at, v, w)
			}
			return ""
		}
		for i := range got.NumField() {
			if !got.Type().Field(i).IsExported() {
				continue
			}
			if found := unlike(at+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i), seen); found != "" {
				return found
			}
		}
	default:
		if !got.Equal(want) {
			return fmt.Sprintf("%s: got %v, not %v", at, got, want)
		}
	}
	return ""
}
