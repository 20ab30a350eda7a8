"""What the tab and the HTTP API both do: plans, jobs, history. Knows a Host, no gradio, no fastapi, no webui."""
