// @ts-check
/** Programs of the shaders that the server's renderer uses, too; only their head differs. */

/** @param {number} maxFrames */
const head = (maxFrames) => `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2DShadow;
#define MAX_FRAMES ${maxFrames}
`;
/** Where every program has these, so that one vertex array serves all. */
export const ATTRIBUTES = { in_position: 0, in_normal: 1, in_colour: 2 };
export const FRAMES_BINDING = 0;

/** @param {string} name */
async function source(name) {
  const answer = await fetch(`glsl/${name}.glsl`);
  if (!answer.ok) throw new Error(`shader ${name}: ${answer.status}`);
  return answer.text();
}

/** @param {WebGL2RenderingContext} gl @param {number} kind @param {string} text @param {string} name */
function compile(gl, kind, text, name) {
  const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`${name}: ${gl.getShaderInfoLog(shader)}`);
  return shader;
}

export class Program {
  /** @param {WebGL2RenderingContext} gl @param {string} vertex @param {string} fragment @param {number} maxFrames */
  static async load(gl, vertex, fragment, maxFrames) {
    const texts = await Promise.all([source(vertex), source(fragment)]);
    return new Program(gl, texts.map((text) => head(maxFrames) + text), `${vertex}, ${fragment}`);
  }

  /** @param {WebGL2RenderingContext} gl @param {string[]} texts @param {string} name */
  constructor(gl, [vertex, fragment], name) {
    this.gl = gl;
    const program = /** @type {WebGLProgram} */ (gl.createProgram());
    gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, vertex, name));
    gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, fragment, name));
    for (const [attribute, location] of Object.entries(ATTRIBUTES)) gl.bindAttribLocation(program, location, attribute);
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`${name}: ${gl.getProgramInfoLog(program)}`);
    const block = gl.getUniformBlockIndex(program, "Frames");
    if (block !== gl.INVALID_INDEX) gl.uniformBlockBinding(program, block, FRAMES_BINDING);
    this.program = program;
    /** @type {Map<string, {at: WebGLUniformLocation | null, type: number}>} */
    this.uniforms = new Map();
    const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS);
    for (let k = 0; k < count; k += 1) {
      const info = /** @type {WebGLActiveInfo} */ (gl.getActiveUniform(program, k));
      this.uniforms.set(info.name, { at: gl.getUniformLocation(program, info.name), type: info.type });
    }
  }

  /** Use it with these uniforms; those that the compiler removed are skipped. @param {Record<string, any>} values */
  use(values) {
    const { gl } = this;
    gl.useProgram(this.program);
    for (const [name, value] of Object.entries(values)) {
      const uniform = this.uniforms.get(name);
      if (!uniform) continue;
      const { at, type } = uniform;
      if (type === gl.FLOAT) gl.uniform1f(at, value);
      else if (type === gl.FLOAT_VEC2) gl.uniform2fv(at, value);
      else if (type === gl.FLOAT_VEC3) gl.uniform3fv(at, value);
      else if (type === gl.FLOAT_VEC4) gl.uniform4fv(at, value);
      else if (type === gl.FLOAT_MAT3) gl.uniformMatrix3fv(at, false, value);
      else if (type === gl.FLOAT_MAT4) gl.uniformMatrix4fv(at, false, value);
      else gl.uniform1i(at, value);
    }
  }
}
