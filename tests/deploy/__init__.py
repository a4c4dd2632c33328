"""Tests of what deploys the service: compose.yaml, Kubernetes manifests, .env.example."""
