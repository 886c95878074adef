#include "http_api/cluster_api.hpp"
