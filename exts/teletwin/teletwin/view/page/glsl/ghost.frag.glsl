// A translucent arm: brightest where it is seen at its rim.
uniform vec3 light;
uniform vec3 tint;
in vec3 normal;
in vec3 to_eye;
in vec3 albedo;
in vec3 in_light;
in float height;
out vec4 colour;
void main() {
    vec3 n = normalize(normal);
    float rim = 1.0 - abs(dot(n, normalize(to_eye)));
    float soft = 0.55 + 0.45 * dot(n, light);
    colour = vec4(sqrt(tint * (0.45 + 0.4 * soft + 0.5 * rim)), 0.20 + 0.62 * rim * rim);
}
