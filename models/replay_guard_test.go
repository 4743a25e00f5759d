package models_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

func TestSpent(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		guard, soon := models.NewReplayGuard(db), time.Now().Add(time.Minute)
		var wg sync.WaitGroup
		var firsts atomic.Int32
		for range 8 {
			wg.Go(func() {
				first, err := guard.Use(t.Context(), "a", soon)
				if err != nil {
					t.Error(err)
				}
				if first {
					firsts.Add(1)
				}
			})
		}
		wg.Wait()
		if firsts.Load() != 1 {
			t.Errorf("%d were the first, want 1", firsts.Load())
		}
		if first, err := guard.Use(t.Context(), "A", time.Now().Add(-time.Minute)); !first || err != nil {
			t.Errorf("the expired one: %t, %v", first, err)
		}
		if first, err := guard.Use(t.Context(), "b", soon); !first || err != nil {
			t.Errorf("another one: %t, %v", first, err)
		}
		for id, want := range map[string]bool{"a": true, "c": false} {
			if got, err := guard.IsUsed(t.Context(), id); got != want || err != nil {
				t.Errorf("IsUsed(%q) = %t, %v", id, got, err)
			}
		}
		if err := guard.DeleteExpired(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left struct {
			N int `db:"n"`
		}
		if err := db.RawQuery("SELECT COUNT(*) AS n FROM spent").First(&left); err != nil || left.N != 2 {
			t.Errorf("%d are stored, want 2 without the expired one; %v", left.N, err)
		}
	})
}
