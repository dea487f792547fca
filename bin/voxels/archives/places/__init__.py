"""Where volumes lie: files, HTTP(S), S3, Google Cloud Storage."""
