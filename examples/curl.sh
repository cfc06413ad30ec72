#!/bin/sh
# Creates a project, starts a session, sends a prompt, and prints the message once its turn has ended. Needs `make run`.
export URL=${URL:-http://127.0.0.1:8765}
P=$(curl -s $URL/projects -H 'content-type: application/json' -d '{"name": "Support team"}' | cut -d'"' -f4)
S=$(curl -s -X POST $URL/projects/$P/sessions | cut -d'"' -f4)
curl -s $URL/sessions/$S/messages -H 'content-type: application/json' -d '{"prompt": "Create a triage agent"}'
