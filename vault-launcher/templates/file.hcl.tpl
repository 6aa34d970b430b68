api_addr = "https://${APM_HOSTNAME}:${APM_PORT}"

listener "tcp" {
  address = "0.0.0.0:${APM_PORT}"
  tls_cert_file = "${RUN_DIRECTORY}/tls/cert.pem"
  tls_key_file  = "${RUN_DIRECTORY}/tls/key.pem"
}

storage "file" {
  path = "${STORAGE_PATH}"
}
