// A registry in memory that answers the referrers API, on a port of 127.0.0.1 that the kernel chooses and that it prints.
//
// It is go-containerregistry's, with what that lacks of the specification: the header OCI-Subject, and the artifactType
// that a manifest has itself.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// What of a manifest matters here.
type manifest struct {
	ArtifactType string `json:"artifactType"`
	Subject      *struct {
		Digest string `json:"digest"`
	} `json:"subject"`
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	inner := registry.New(registry.WithReferrersSupport(true))
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repository, _, isReferrers := strings.Cut(r.URL.Path, "/referrers/")
		switch {
		case isReferrers:
			list(inner, repository, w, r)
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"):
			put(inner, w, r)
		default:
			inner.ServeHTTP(w, r)
		}
	})))
}

func put(inner http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var put manifest
	if json.Unmarshal(body, &put) == nil && put.Subject != nil {
		w.Header().Set("OCI-Subject", put.Subject.Digest)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	inner.ServeHTTP(w, r)
}

func list(inner http.Handler, repository string, w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	inner.ServeHTTP(answer, r)
	var index map[string]any
	if answer.Code == http.StatusOK && json.Unmarshal(answer.Body.Bytes(), &index) == nil {
		entries, _ := index["manifests"].([]any)
		for _, entry := range entries {
			entry := entry.(map[string]any)
			ask := httptest.NewRequest(http.MethodGet, fmt.Sprintf("%s/manifests/%s", repository, entry["digest"]), nil)
			found := httptest.NewRecorder()
			inner.ServeHTTP(found, ask)
			var of manifest
			if json.Unmarshal(found.Body.Bytes(), &of) == nil && of.ArtifactType != "" {
				entry["artifactType"] = of.ArtifactType
			}
		}
		answer.Body.Reset()
		if err := json.NewEncoder(answer.Body).Encode(index); err != nil {
			log.Fatal(err)
		}
	}
	w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	w.WriteHeader(answer.Code)
	if _, err := answer.Body.WriteTo(w); err != nil {
		log.Print(err)
	}
}
